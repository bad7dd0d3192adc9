import CaffeSchema

/// Layers with weights as the writers of older Caffes laid them out.
package enum OldLayers {
  /// An InnerProduct `fc` with one blob of 1 × 1 × 2 × 3, in double precision.
  package static var v1: V1LayerParameter {
    var layer = V1LayerParameter()
    layer.name = "fc"
    layer.type = .innerProduct
    layer.blobs = [blob]
    return layer
  }

  /// A Convolution `c` with two such blobs, which lies inside a V1 layer.
  package static var v0: V1LayerParameter {
    var layer = V1LayerParameter()
    layer.layer.name = "c"
    layer.layer.type = "conv"
    layer.layer.blobs = [blob, blob]
    return layer
  }

  private static var blob: BlobProto {
    var blob = BlobProto()
    (blob.num, blob.channels, blob.height, blob.width) = (1, 1, 2, 3)
    blob.doubleData = [1, 2, 3, 4, 5, 6]
    return blob
  }
}
