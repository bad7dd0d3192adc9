import CaffeCore
import CaffeData

extension LayerCatalog {
  /// Every layer type that nets may use without further ado.
  public static let standard = LayerCatalog([
    AccuracyLayer.kind,
    ConcatLayer.kind,
    ConvolutionLayer.kind,
    DataLayer.kind,
    DropoutLayer.kind,
    DummyDataLayer.kind,
    EltwiseLayer.kind,
    HDF5DataLayer.kind,
    InnerProductLayer.kind,
    InputLayer.kind,
    LRNLayer.kind,
    PoolingLayer.kind,
    ReLULayer.kind,
    SoftmaxLayer.kind,
    SoftmaxWithLossLayer.kind,
    SplitLayer.kind,
    TanHLayer.kind,
  ])
}
