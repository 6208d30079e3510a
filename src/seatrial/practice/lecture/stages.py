"""The stages of the lecture, each a function of what came before."""

from __future__ import annotations

from seatrial.practice.lecture.choosing import put_on_trial, rate, remedy, search
from seatrial.practice.lecture.data import divide, look, seal
from seatrial.practice.lecture.examination import open_vault
from seatrial.practice.lecture.practice import Stage
from seatrial.practice.lecture.refitting import learn_anew
from seatrial.practice.lecture.training import combine, first, whole

STAGES = (
    Stage("seal", "Test data go into the vault", "The test set is brought out only at the end.", seal),
    Stage("split", "Validation data", "Choices are made by data that are neither trained on nor tested on.", divide),
    Stage("look", "A first idea of the data", "Know how many there are, and of which kinds.", look),
    Stage("check", "Checks before training", "Gradients, the untrained loss, a few examples overfitted.", put_on_trial),
    Stage("rate", "The learning rate", "The one setting that matters most is found, not guessed.", rate),
    Stage("subset", "First experiment, on a subset", "Begin small and fast.", first),
    Stage("search", "Hyperparameters", "On a log scale, at random first, coarse to fine.", search),
    Stage("imbalance", "Rare classes", "Accuracy forgets them: compare what is done about it.", remedy),
    Stage("train", "Training, watched", "Losses, updates, activations, and the validation curve.", whole),
    Stage("ensemble", "An ensemble", "Several models that err differently are wrong more seldom.", combine),
    Stage(
        "refit",
        "Learning from all data",
        "What was chosen learns once more, from the data too that it was chosen by.",
        learn_anew,
    ),
    Stage("open", "The vault is opened", "Evaluate once, with an interval.", open_vault),
)
