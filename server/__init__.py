"""How Kabinet runs: the app, its settings, the commands, the worker, the database."""
