extension BlobProto {
  /// The blob's numbers: `double_data` if there is any, else `data`.
  public var values: [Float] { doubleData.isEmpty ? data : doubleData.map(Float.init) }

  /// Whether the shape is given by the four old fields instead of `shape`.
  public var hasLegacyShape: Bool { hasNum || hasChannels || hasHeight || hasWidth }

  /// The extents, outermost first: `shape`, or `[num, channels, height, width]` of old files.
  public var extents: [Int] {
    hasLegacyShape ? [num, channels, height, width] : shape.dim
  }
}
