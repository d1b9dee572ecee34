"""Starts SageMaker's Hugging Face inference toolkit as its container does, where many share one machine.

A container has its machine to itself: there, the toolkit writes its properties file to /etc, and takes the
only model server that it finds running for its own.
"""

import os
import sys
from pathlib import Path

import psutil
from sagemaker_huggingface_inference_toolkit import mms_model_server, serving
from sagemaker_inference import model_server

if __name__ == "__main__":
    properties = str(Path(sys.argv[1]).absolute())
    model_server.MMS_CONFIG_FILE = mms_model_server.MMS_CONFIG_FILE = properties
    psutil.process_iter = psutil.Process(os.getppid()).children
    serving.main()
