print("caffe-swift")
