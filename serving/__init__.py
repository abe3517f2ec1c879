"""What runs beside a trained model: the model server and its clients.

Needs TensorFlow alone and never imports TFX or Beam. `serving.client` and `serving.process` need not even TensorFlow.
"""
