import CaffeCore
import CaffeData

extension LayerCatalog {
  /// Every layer type that nets may use without further ado.
  public static let standard = LayerCatalog([
    AccuracyLayer.kind,
    ConcatLayer.kind,
    ContrastiveLossLayer.kind,
    ConvolutionLayer.kind,
    DataLayer.kind,
    DropoutLayer.kind,
    DummyDataLayer.kind,
    EltwiseLayer.kind,
    EuclideanLossLayer.kind,
    HDF5DataLayer.kind,
    HDF5OutputLayer.kind,
    HingeLossLayer.kind,
    ImageDataLayer.kind,
    InfogainLossLayer.kind,
    InnerProductLayer.kind,
    InputLayer.kind,
    LRNLayer.kind,
    LSTMLayer.kind,
    LSTMUnitLayer.kind,
    MemoryDataLayer.kind,
    MultinomialLogisticLossLayer.kind,
    PoolingLayer.kind,
    RNNLayer.kind,
    ReLULayer.kind,
    SigmoidCrossEntropyLossLayer.kind,
    SoftmaxLayer.kind,
    SoftmaxWithLossLayer.kind,
    SplitLayer.kind,
    TanHLayer.kind,
    WindowDataLayer.kind,
  ])
}
