"""Stand-ins for data that cannot be had freely: files of the same schema, made by processes that are known.

Their marginals are the published ones, their dynamics and treatment effects are inventions. They show whether a method
works, since what is true of them can be computed; nothing about medicine can be learnt from them.
"""
