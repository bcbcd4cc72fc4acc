import lancedb, tempfile, pyarrow as pa, inspect
print(lancedb.__version__)
for url in ["memory://", "file://"+tempfile.mkdtemp()]:
    db=lancedb.connect(url); t=db.create_table("x",pa.table({"a":["1","2"],"w":[0,0],"v":[1.,2.]})); 
    print(url, db.list_tables().tables, t.count_rows())
    db2=lancedb.connect(url); print(db2.list_tables().tables)
    t.add(pa.table({"a":["1"],"w":[0],"v":[3.]}))
    q=t.search().with_row_id(True).limit(None).to_arrow(); print(q.to_pylist())
    rid=q["_rowid"].to_pylist()[-1]
    try: t.delete(f"_rowid = {rid}"); print("rowid delete", t.count_rows(), t.search().limit(None).to_arrow().to_pylist())
    except Exception as e: print("rowid", e)
print(inspect.signature(lancedb.connect))
print([x.__class__ for x in [t]], t.list_versions()[-1])
print(type(t.search().limit(None)), [n for n in dir(t.search()) if not n.startswith('_')])
print([n for n in dir(t) if not n.startswith('_')])
