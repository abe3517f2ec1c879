"""What runs beside a trained model: the model server and its clients. Needs TensorFlow alone; never imports TFX or Beam."""
