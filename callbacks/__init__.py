"""The doors that outside systems call over HTTP: payment systems and message centres."""
