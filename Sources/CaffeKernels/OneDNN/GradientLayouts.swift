extension PrimitiveDescriptor {
  /// Creates a gradient of this forward pass. Tries its layouts first, then whatever oneDNN likes;
  /// compiled code comes before oneDNN's fallback on matrix products.
  ///
  /// - Throws: the refusal of the last try, if both were refused.
  func inFastestLayouts(
    input inputExtents: [Int], output outputExtents: [Int],
    create: (_ input: MemoryDescriptor, _ output: MemoryDescriptor) throws -> PrimitiveDescriptor
  ) throws -> PrimitiveDescriptor {
    var same: PrimitiveDescriptor?
    if let input = memory(.input), let output = memory(.output) {
      do {
        same = try create(input, output)
      } catch is EngineRefusal {}
    }
    if let same, same.isCompiled { return same }
    do {
      let free = try create(
        MemoryDescriptor(inputExtents, .any), MemoryDescriptor(outputExtents, .any))
      return same.map { free.isCompiled ? free : $0 } ?? free
    } catch let refusal as EngineRefusal {
      guard let same else { throw refusal }
      return same
    }
  }

  private var isCompiled: Bool {
    implementation.hasPrefix("jit") || implementation.hasPrefix("brg")
  }
}
