"""The separate job: a folder of examples in, new weights out. The base file is only read.

It reads the *files* of an export (never the archive's code), trains a LoRA adapter on the very
weights that are chatted with, tests it through the engine as a chat will use it, and writes a
folder. Nothing here runs while somebody chats; the chat neither imports nor needs it.

``offline`` must be imported before torch or anything of Hugging Face's: it sets their switches.
"""
