"""Opens the chat on this machine: ``python app.py``, the same as ``newsqa chat``."""

import sys

from newsqa.errors import NewsQAError
from newsqa.server.app import serve
from newsqa.settings import Settings

if __name__ == "__main__":
    try:
        serve(Settings.load())
    except NewsQAError as error:
        sys.exit(f"newsqa: {error}")
