"""Two small sets with figures of the public tools: aac-metrics 0.6.0 and pycocoevalcap 1.2."""

SPEAKING = (
    ["a man is speaking", "rain falls"],
    [
        [
            "a man speaks.",
            "someone speaks.",
            "a man is speaking while a bird is chirping in the background",
        ],
        ["rain is falling hard on a surface"],
    ],
)
SPEAKING_CORPUS = {
    "bleu_1": 0.427848,
    "bleu_2": 0.405892,
    "bleu_3": 0.438965,
    "bleu_4": 0.456500,
    "rouge_l": 0.487069,
    "cider_d": 0.961355,
}
SPEAKING_CLIPS = {"rouge_l": (0.772152, 0.201987), "cider_d": (1.364055, 0.558655)}
SPEAKING_METEOR = (0.263381, (0.824156, 0.128090))

BARKING = (
    [
        "A dog barks twice, then a car's engine starts!",
        "birds are chirping and the wind blows",
        "water flows into a metal sink",
    ],
    [
        ["a dog barks and a car engine starts", "a dog is barking before an engine starts"],
        ["birds chirp while wind blows", "birds are chirping in the wind"],
        ["water runs into a sink", "someone is filling a metal sink with water"],
    ],
)
BARKING_CORPUS = {
    "bleu_1": 0.782609,
    "bleu_2": 0.656075,
    "bleu_3": 0.423506,
    "rouge_l": 0.771042,
    "cider_d": 2.533219,
}
BARKING_BLEU_4 = 4.8263e-05
BARKING_CLIPS = {
    "rouge_l": (0.793680, 0.780051, 0.739394),
    "cider_d": (2.447804, 2.742935, 2.408919),
}
BARKING_METEOR = (0.444853, (0.440418, 0.442181, 0.454574))
