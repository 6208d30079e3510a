"""Callbacks for trainers of other libraries; each imports its library, which need not be there otherwise."""
