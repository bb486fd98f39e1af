"""One file an area: its pages, and what its forms do. Each view turns a request into resolvers' calls and a page."""
