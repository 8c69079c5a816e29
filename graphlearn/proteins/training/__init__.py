"""Training of ProteinRPN: objective, pre-training, tasks of the trainer, comparison of variants."""
