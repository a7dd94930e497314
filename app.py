"""Opens the chat on this machine: ``python app.py``, the same as ``newsqa chat``."""

import sys

from newsqa.api import serve
from newsqa.errors import NewsQAError
from newsqa.settings import Settings

if __name__ == "__main__":
    try:
        serve(Settings.load())
    except NewsQAError as error:
        sys.exit(f"newsqa: {error}")
