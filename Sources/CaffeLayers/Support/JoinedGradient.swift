import CaffeCore
import CaffeKernels

/// What a Concat does on the way back in one pass over memory: the sum of a Split above it, its own copies,
/// and the gradients of the ReLUs in place on its bottoms, which it finds in its top.
///
/// More than the copies only where nobody can look: the sum and the gradients above the ReLUs are never
/// written.
struct JoinedGradient {
  private let joined: JoinedBlobs
  private let top: Blob
  private let bottoms: [Blob]
  /// For each bottom, the ReLU whose gradient is applied too.
  private let relus: [ReLULayer?]
  private let split: SplitLayer?

  init(of concat: Layer, _ joined: JoinedBlobs) {
    self.joined = joined
    top = concat.top[0]
    bottoms = concat.bottom
    relus = concat.fuseServedReLUs()
    let split = concat.followers.isEmpty ? concat.split as? SplitLayer : nil
    self.split = split.flatMap { $0.gradients.isEmpty ? nil : $0 }
    if let split = self.split { concat.fuse(.backward, of: split) }
  }

  func run(propagateDown: [Bool]) {
    let wholes = split?.gradients ?? [top.diff]
    let targets = zip(bottoms, propagateDown).map { $1 ? $0.diff : nil }
    joined.split(
      sumOf: wholes, into: targets, through: relus,
      outputs: top.data)
    if split != nil { for whole in wholes { whole.discard() } }
  }
}
