extension BlobProto {
  /// The blob with the shape that a net of Caffe 1.0 gives it, if its own is one of four old fields.
  ///
  /// Only layer types that Caffe had while it wrote those are known; blobs of others, and blobs that no
  /// net of Caffe 1.0 takes for theirs, stay as they are:
  ///
  /// | Layer | Weights | Bias |
  /// | --- | --- | --- |
  /// | InnerProduct | `1 × 1 × N × K` → `N × K` | `1 × 1 × 1 × N` → `N` |
  /// | Convolution, Deconvolution | four extents as they are | `1 × 1 × 1 × N` → `N` |
  ///
  /// - Parameters:
  ///   - type: that of the layer, by its name today.
  ///   - index: the number of the blob within the layer.
  public func withTodaysShape(inLayer type: String, index: Int) -> BlobProto {
    guard hasLegacyShape, let axes = BlobProto.axes(inLayer: type, index: index),
      extents.dropLast(axes).allSatisfy({ $0 == 1 })
    else { return self }
    var shape = BlobShape()
    shape.dim = Array(extents.suffix(axes))
    var blob = BlobProto()
    blob.shape = shape
    (blob.data, blob.diff) = (data, diff)
    (blob.doubleData, blob.doubleDiff) = (doubleData, doubleDiff)
    return blob
  }

  private static func axes(inLayer type: String, index: Int) -> Int? {
    switch (type, index) {
    case ("InnerProduct", 0): 2
    case ("Convolution", 0), ("Deconvolution", 0): 4
    case ("InnerProduct", 1), ("Convolution", 1), ("Deconvolution", 1): 1
    default: nil
    }
  }
}
