/// The passes of a layer.
package struct LayerPasses: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }
  package static let forward = LayerPasses(rawValue: 1)
  package static let backward = LayerPasses(rawValue: 2)
}

/// That a layer's passes are run by a layer below it, together with its own.
package struct Fusion {
  package unowned let host: Layer
  package let passes: LayerPasses
}

extension Layer {
  /// No layer does the work of more than BatchNorm, Scale and ReLU.
  package static let mostFollowers = 3

  /// The layer below that runs passes of this one together with its own, such as
  /// `conv1 (forward)`; `nil` if there is none.
  public final var fusedInto: String? {
    fusion.map { fusion in
      "\(fusion.host.name) (\(fusion.passes == .forward ? "forward" : "forward and backward"))"
    }
  }

  /// Says that this layer, whose top `follower` works on in place, does the work of these passes of
  /// it from now on, until it is prepared again. To be called by `reshape()`.
  package final func fuse(_ passes: LayerPasses, of follower: Layer) {
    follower.fusion = Fusion(host: self, passes: passes)
  }

  /// Gives their passes back to the layers that this one has fused.
  final func separateFollowers() {
    for follower in followers where follower.fusion?.host === self { follower.fusion = nil }
  }

  /// Whether a layer below runs these passes in this one's stead.
  package final func isFused(_ passes: LayerPasses) -> Bool {
    fusion?.passes.isSuperset(of: passes) ?? false
  }
}
