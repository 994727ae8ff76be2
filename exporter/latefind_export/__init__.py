"""Checkpoint to model bundle: reading, ONNX, quantisation, proof. Needs the ``export`` extra.

In the order of the data:

``export``           the pipeline behind ``latefind export``
``hub``              a folder, or a name on the model hub; ``custom_code`` refuses what neither needs
``read_checkpoint``  tells the layout and reads it, by ``layout_pylate``, ``layout_multi_vector``,
                     ``layout_stanford`` and ``layout_single`` on ``layout_files`` and ``layout_dense``;
                     ``encoders`` says which transformers, ``model_card`` reads name, licence and languages
``checkpoint``       what all layouts come to
``tokenizer_file``   ``tokenizer.json``, and the settings that depend on its ids
``encoder``          backbone, Dense chain (``dense``) and L2 norm as one torch module
``head``             a further layer found by PCA, on passages that ``texts`` samples
``audit``            whether queries are expanded, measured on ``devset``, where the checkpoint does not say
``onnx_graph``       the graph in fp32, by optimum; ``tracing`` and ``graph_file`` are its tools
``golden``           texts with ids, masks and embeddings by an ``oracle``, which the graph must agree with
``gate``             the first scheme of ``quantize`` (``half``, ``table4``) that ``parity`` finds exact
``figures``          sizes, shapes, speed, laid out by ``report``; ``card`` says what was derived from what
``settings``         ``latefind.json``
``bundle``           puts the files in place, all or none

Beside it: ``plans`` makes reference token plans, ``extra`` says what to install, ``weights`` unpacks the
checkpoint of the model that ships, ``schemes`` compares ways to quantise.
"""
