/// The passes of a layer.
package struct LayerPasses: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }
  package static let forward = LayerPasses(rawValue: 1)
  package static let backward = LayerPasses(rawValue: 2)

  fileprivate var text: String {
    switch self {
    case .forward: "forward"
    case .backward: "backward"
    default: "forward and backward"
    }
  }
}

/// That a layer's passes are run by another one, below or above it, together with its own.
package struct Fusion {
  package unowned let host: Layer
  package let passes: LayerPasses
}

/// Another layer of the same net, which keeps it alive: chains of layers that kept one another would be
/// as long as the net.
package struct Neighbour {
  package unowned let layer: Layer
  package init(_ layer: Layer) { self.layer = layer }
}

extension Layer {
  /// No layer does the work of more than BatchNorm, Scale and ReLU.
  package static let mostFollowers = 3

  /// The layers that run passes of this one together with their own, such as `conv1 (forward)`; `nil` if
  /// there are none.
  public final var fusedInto: String? {
    fusions.isEmpty
      ? nil : fusions.map { "\($0.host.name) (\($0.passes.text))" }.joined(separator: ", ")
  }

  /// The layer that runs these passes in this one's stead.
  package final func host(of passes: LayerPasses) -> Layer? {
    fusions.first { $0.passes.isSuperset(of: passes) }?.host
  }

  /// Says that this layer does the work of these passes of `neighbour` (a follower, the split, the only
  /// reader or one of the makers) from now on, until it is prepared again. To be called by `reshape()`.
  package final func fuse(_ passes: LayerPasses, of neighbour: Layer) {
    neighbour.fusions.append(Fusion(host: self, passes: passes))
  }

  /// Gives their passes back to the layers that this one has fused.
  final func separateNeighbours() {
    let neighbours =
      followers + makers.joined().map(\.layer) + [split, onlyReader].compactMap { $0 }
    for neighbour in neighbours { neighbour.fusions.removeAll { $0.host === self } }
  }

  /// Whether a layer that runs passes of this one reads what it makes.
  package final var isRunFromAbove: Bool {
    fusions.contains { $0.host.makers.joined().contains { $0.layer === self } }
  }

  /// Whether another layer runs these passes in this one's stead.
  package final func isFused(_ passes: LayerPasses) -> Bool {
    host(of: passes) != nil
  }
}
