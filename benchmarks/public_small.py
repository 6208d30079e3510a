"""Small public programs for benchmarks/public.py: lessons, student work, and papers' toy problems, each as its author wrote it.

They bring their data along or make them up; where they ask for a file that is not there, a small one is made. A clone of
OWNER/NAME is looked for in the folder that --others names, as OWNER-NAME.
"""

from __future__ import annotations

import pathlib

from public_programs import Program, split

LESSONS = "graykode/nlp-tutorial"
ZERO = "hunkim/PyTorchZeroToAll"
MORVAN = "MorvanZhou/PyTorch-Tutorial"
BASICS = "yunjey/pytorch-tutorial"
MINIMAL = "seungeunrho/minimalRL"


def _measurements(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """A part of the sample that the program's author published, split as his split_dataset.py does."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    sample = pd.read_csv(work / "dataset_sample.csv")[::8]
    train, test = train_test_split(sample, test_size=0.3, random_state=42)
    for part, names in ((train, ("train_dataset.csv", r"C:\train.csv")), (test, ("test_dataset.csv", r"C:\test.csv"))):
        for name in names:
            part.to_csv(work / name, index=False)


def _lesson(name: str, folder: str, file: str) -> Program:
    return Program(name, LESSONS, folder, (f"{file}.py",))


SMALL_PROGRAMS = (
    _lesson("nnlm", "1-1.NNLM", "NNLM"),
    _lesson("word2vec", "1-2.Word2Vec", "Word2Vec-Skipgram(Softmax)"),
    _lesson("text_cnn", "2-1.TextCNN", "TextCNN"),
    _lesson("text_rnn", "3-1.TextRNN", "TextRNN"),
    _lesson("text_lstm", "3-2.TextLSTM", "TextLSTM"),
    _lesson("bi_lstm", "3-3.Bi-LSTM", "Bi-LSTM"),
    _lesson("seq2seq", "4-1.Seq2Seq", "Seq2Seq"),
    _lesson("seq2seq_attention", "4-2.Seq2Seq(Attention)", "Seq2Seq(Attention)"),
    _lesson("bi_lstm_attention", "4-3.Bi-LSTM(Attention)", "Bi-LSTM(Attention)"),
    _lesson("transformer", "5-1.Transformer", "Transformer"),
    _lesson("bert", "5-2.BERT", "BERT"),
    Program("linear", ZERO, ".", ("05_linear_regression.py",)),
    Program("logistic", ZERO, ".", ("06_logistic_regression.py",)),
    Program("diabetes", ZERO, ".", ("07_diabets_logistic.py",)),
    Program("diabetes_loader", ZERO, ".", ("08_2_dataset_loade_logistic.py",)),
    Program("softmax_mnist", ZERO, ".", ("09_2_softmax_mnist.py",)),
    Program("inception_mnist", ZERO, ".", ("11_1_toy_inception_mnist.py",)),
    Program("hello_rnn", ZERO, ".", ("12_2_hello_rnn.py",)),
    Program("hello_rnn_sequence", ZERO, ".", ("12_3_hello_rnn_seq.py",)),
    Program("hello_rnn_embedding", ZERO, ".", ("12_4_hello_rnn_emb.py",)),
    Program("classification", MORVAN, "tutorial-contents", ("302_classification.py",)),
    Program("optimizers", MORVAN, "tutorial-contents", ("306_optimizer.py",)),
    Program("rnn_regressor", MORVAN, "tutorial-contents", ("403_RNN_regressor.py",)),
    Program("gan", MORVAN, "tutorial-contents", ("406_GAN.py",)),
    Program("dropout", MORVAN, "tutorial-contents", ("503_dropout.py",)),
    Program("batch_normalisation", MORVAN, "tutorial-contents", ("504_batch_normalization.py",)),
    Program("feedforward", BASICS, "tutorials/01-basics/feedforward_neural_network", ("main.py",)),
    Program("logistic_mnist", BASICS, "tutorials/01-basics/logistic_regression", ("main.py",)),
    Program("bidirectional", BASICS, "tutorials/02-intermediate/bidirectional_recurrent_neural_network", ("main.py",)),
    Program("dynamic_net", "jcjohnson/pytorch-examples", "nn", ("dynamic_net.py",)),
    Program("two_layers", "jcjohnson/pytorch-examples", "nn", ("two_layer_net_optim.py",)),
    Program("two_layers_by_hand", "jcjohnson/pytorch-examples", "autograd", ("two_layer_net_custom_function.py",)),
    Program("logistic_cancer", "patrickloeber/pytorchTutorial", ".", ("08_logistic_regression.py",)),
    Program("feedforward_lesson", "patrickloeber/pytorchTutorial", ".", ("13_feedforward.py",)),
    Program("iris", "poonawalalab/dlcourse", "code", ("iris_mlp.py",)),
    Program("gear_lstm", "zamaex96/ML-LSTM", ".", ("train_LSTM.py",), prepare=_measurements),
    Program("gear_mlp", "zamaex96/ML-LSTM", ".", ("train_MLP.py",), prepare=_measurements),
    Program("gear_rnn", "zamaex96/ML-LSTM", ".", ("train_RNN.py",), prepare=_measurements),
    Program("u_net", "Heythem985/implementing-a-U_NET", ".", ("train.py",)),
    Program("copy_transformer", "Salomondiei08/Transformer-Implementation", "tasks/copy", ("train_copy.py",)),
    Program(
        "tcn_adding",
        "locuslab/TCN",
        "TCN/adding_problem",
        split("add_test.py --epochs 1 --seq_len 50 --levels 4 --cuda"),
    ),
    Program(
        "tcn_copying", "locuslab/TCN", "TCN/copy_memory", split("copymem_test.py --epochs 1 --blank_len 50 --cuda")
    ),
)
