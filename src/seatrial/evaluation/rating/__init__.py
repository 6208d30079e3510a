"""Examples that several people gave a class: how far they agree, and a model judged by them."""
