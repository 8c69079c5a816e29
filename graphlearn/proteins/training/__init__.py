"""How ProteinRPN learns: objective, pre-training, tasks of the trainer, comparison of variants."""
