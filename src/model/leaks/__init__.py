"""The leak gate: fields that know the outcome never reach a learner unseen."""
