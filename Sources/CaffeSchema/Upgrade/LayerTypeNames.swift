/// The string types that the enum types of V1 and the lower-case types of V0 have become.
enum LayerTypeNames {
  /// Today's name; empty for NONE.
  static func name(of type: V1LayerParameter.LayerType) -> String {
    switch type {
    case .none: ""
    case .absval: "AbsVal"
    case .accuracy: "Accuracy"
    case .argmax: "ArgMax"
    case .bnll: "BNLL"
    case .concat: "Concat"
    case .contrastiveLoss: "ContrastiveLoss"
    case .convolution: "Convolution"
    case .data: "Data"
    case .deconvolution: "Deconvolution"
    case .dropout: "Dropout"
    case .dummyData: "DummyData"
    case .euclideanLoss: "EuclideanLoss"
    case .eltwise: "Eltwise"
    case .exp: "Exp"
    case .flatten: "Flatten"
    case .hdf5Data: "HDF5Data"
    case .hdf5Output: "HDF5Output"
    case .hingeLoss: "HingeLoss"
    case .im2col: "Im2col"
    case .imageData: "ImageData"
    case .infogainLoss: "InfogainLoss"
    case .innerProduct: "InnerProduct"
    case .lrn: "LRN"
    case .memoryData: "MemoryData"
    case .multinomialLogisticLoss: "MultinomialLogisticLoss"
    case .mvn: "MVN"
    case .pooling: "Pooling"
    case .power: "Power"
    case .relu: "ReLU"
    case .sigmoid: "Sigmoid"
    case .sigmoidCrossEntropyLoss: "SigmoidCrossEntropyLoss"
    case .silence: "Silence"
    case .softmax: "Softmax"
    case .softmaxLoss: "SoftmaxWithLoss"
    case .split: "Split"
    case .slice: "Slice"
    case .tanh: "TanH"
    case .windowData: "WindowData"
    case .threshold: "Threshold"
    }
  }

  /// The V1 type of a V0 type name, or nil if there is none.
  static func type(ofV0 name: String) -> V1LayerParameter.LayerType? {
    v0Types[name]
  }

  private static let v0Types: [String: V1LayerParameter.LayerType] = [
    "accuracy": .accuracy, "bnll": .bnll, "concat": .concat, "conv": .convolution, "data": .data,
    "dropout": .dropout, "euclidean_loss": .euclideanLoss, "flatten": .flatten,
    "hdf5_data": .hdf5Data, "hdf5_output": .hdf5Output, "im2col": .im2col, "images": .imageData,
    "infogain_loss": .infogainLoss, "innerproduct": .innerProduct, "lrn": .lrn,
    "multinomial_logistic_loss": .multinomialLogisticLoss, "pool": .pooling, "relu": .relu,
    "sigmoid": .sigmoid, "softmax": .softmax, "softmax_loss": .softmaxLoss, "split": .split,
    "tanh": .tanh, "window_data": .windowData,
  ]
}
