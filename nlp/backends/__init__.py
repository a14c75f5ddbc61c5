"""The models that judge texts, a file each; nlp/judgement.py says what every one of them offers."""
