"""The door where papers are handed out: statements and receipts as files, and the page that proves a receipt."""
