"""Graph prediction: data, training task and reports of HISTOGRAPH and its peers."""
