"""The read model of all that is below `viewer`: one statement gives what is asked for, and checks the session.

`wants` says what can be asked for, `text` writes the statement, `views` reads its row, `load` runs it.
"""

from resolvers.home.load import load
from resolvers.home.views import History, Home
from resolvers.home.wants import Accounts, Entries, HomeWants, Orders, WalletWants

__all__ = ["Accounts", "Entries", "History", "Home", "HomeWants", "Orders", "WalletWants", "load"]
