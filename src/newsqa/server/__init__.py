"""Over HTTP and MCP: the chat, the API, articles' pages, and what guards them."""
