"""Cardholders, cards, and what happens when a card is used."""
