"""Measures retrieval, answers and abstention on questions with known answers."""
