import CaffeCore
import CaffeKernels

/// The sum of two blobs of which a Convolution makes one: it adds to the other instead, and applies the
/// ReLU behind the sum. In inference, where nobody can look, the end of a residual block is no pass of its
/// own then.
struct ConvolutionSum {
  private let other: Tensor
  private let top: Blob
  let step: FusedStep

  /// - Returns: `nil` if no Eltwise alone reads what the convolution makes, or not in this way.
  init?(above convolution: Layer) {
    guard let eltwise = convolution.onlyReader as? EltwiseLayer, eltwise.addsTwo,
      let other = eltwise.bottom.first(where: { $0 !== convolution.top[0] })
    else { return nil }
    self.other = other.data
    top = eltwise.top[0]
    step = eltwise.reluBehind.map { .sumAndReLU(slope: $0.slope) } ?? .sum
  }

  /// The sum's place, which holds the other summand.
  func begin() -> Tensor {
    top.reshape(other.shape)
    other.moveValues(to: top.data)
    return top.data
  }
}
