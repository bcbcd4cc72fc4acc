"""EarShot's models in the interfaces of other libraries: encoders, leaderboards, folders, ONNX."""
