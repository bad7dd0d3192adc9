/// The order a caller wants an operation's input in.
package enum LayoutRequest: Sendable {
  /// What oneDNN deems fastest.
  case any
  case plain
  case channelsLast
  /// That of the bottom, so that nothing is converted.
  case same(OneDNNMemoryLayout)

  /// What goes with this order on the other side of an operation: oneDNN joins channels-last only
  /// to channels-last.
  var companion: LayoutRequest {
    switch self {
    case .any, .plain: .any
    case .channelsLast: .channelsLast
    case .same(let layout): layout.isChannelsLast ? .channelsLast : .any
    }
  }

  func descriptor(_ extents: [Int]) throws -> MemoryDescriptor {
    switch self {
    case .any: return try MemoryDescriptor(extents, .any)
    case .plain: return try MemoryDescriptor(extents, .plain)
    case .channelsLast: return try MemoryDescriptor(extents, .channelsLast)
    case .same(let layout):
      precondition(layout.descriptor.extents == extents, "\(layout) is no layout of \(extents)")
      return layout.descriptor
    }
  }
}
