"""How fast Kabinet is, beside a handler written by hand for the same work on the same machine in the same run."""
