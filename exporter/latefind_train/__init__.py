"""Train a late-interaction model for documentation in seven languages. Needs the ``train`` extra.

In the order of the data (``docs/training.md`` has the recipe and its reasons):

``prepare``      the command that packs training text: ``sources`` reads and cleans it, ``overlap`` drops what
                 is too near to evaluation text (``shingles``), ``holdout`` keeps sources back to choose by
``pack``         token arrays in shards that are small enough to be carried; ``wordpiece`` is their vocabulary
``start``        the command that builds the checkpoint a variant starts from: ``vocabulary`` prunes and
                 extends, ``thin`` takes layers and width away
``config``       what a run is, from a TOML file
``plan``         which rows make which batch; ``collate`` makes tensors of them, ``forms`` varies queries,
                 ``spans`` relates a student's tokens to those of its teacher
``losses``       what is minimised, as functions of tensors; ``shipped`` is pooling and codec, made
                 differentiable; ``loss_modules`` hands both to sentence-transformers' trainer
``train``        the command that runs one part of a run: ``parts`` are its checkpoints, ``curves`` draws it,
                 ``dev`` measures it, ``mine`` finds hard negatives with the model itself
"""
