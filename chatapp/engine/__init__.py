"""The frozen function: a stateless protocol, a child process on llama.cpp, and its clients.

Every request carries the whole transcript. The process may be killed and started again between
any two requests and no later answer changes. Only ``llama.py``, in the child, reaches llama.cpp.
"""
