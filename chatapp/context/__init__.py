"""What a model will be sent: messages, rendering, tokens with owners, window budget, overflow.

Everything here is pure: no file, no clock, no network, no screen. The engine's child process and
the screen's side run the same code, so each can check the other.
"""
