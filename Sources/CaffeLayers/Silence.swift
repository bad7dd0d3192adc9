import CaffeCore
import CaffeKernels
import CaffeSchema

/// Takes blobs that nobody wants, so that they are no outputs of the net. Their gradient is 0.
///
/// Source: BVLC Caffe, `silence_layer.cpp`.
final class SilenceLayer: Layer {
  static let kind = LayerKind(
    "Silence", bottoms: .atLeast(1), tops: .exactly(0),
    documentation: LayerDocumentation(
      "Takes blobs that nobody wants, so that they are no outputs of the net",
      source: "silence_layer.cpp")
  ) { try SilenceLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [] }

  override func backward(propagateDown: [Bool]) throws {
    for (blob, isWanted) in zip(bottom, propagateDown) where isWanted {
      Vector.fill(blob.diff.overwrite(), with: 0, count: blob.count)
    }
  }
}
