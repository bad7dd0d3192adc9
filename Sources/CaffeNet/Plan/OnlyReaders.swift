import CaffeCore

extension NetPlan {
  /// For each layer, the layer that alone reads its only top, if that could as well run in its place and
  /// write its own top over another bottom: whatever else it reads is there by then, nobody else reads
  /// that from then on, and it ends with the reader.
  ///
  /// - Parameter ending: of `livesEnding`.
  func onlyReaders(ending: [[Int]]) -> [Layer?] {
    let owners = owners()
    var readers: [Int: Set<Int>] = [:]
    for (index, layer) in layers.enumerated() where !layer.isView {
      for bottom in layer.bottoms { readers[owners[bottom], default: []].insert(index) }
    }
    var answers = [Layer?](repeating: nil, count: layers.count)
    for (index, reader) in layers.enumerated() where !reader.isView {
      guard let last = reader.bottoms.max(by: { blobs[$0].makers[0] < blobs[$1].makers[0] }),
        Set(reader.bottoms).count == reader.bottoms.count,
        Set(reader.bottoms).isDisjoint(with: reader.tops)
      else { continue }
      let maker = blobs[last].makers[0]
      let isAlone =
        owners[last] == last && layers[maker].tops == [last]
        && readers[last, default: []].subtracting(blobs[last].makers) == [index]
      let othersAreThere = reader.bottoms.allSatisfy { bottom in
        let owner = owners[bottom]
        return bottom == last
          || ending[index].contains(owner) && blobs[owner].makers.allSatisfy { $0 < maker }
            && readers[owner, default: []].allSatisfy { $0 < maker || $0 == index }
      }
      if isAlone, othersAreThere { answers[maker] = reader.layer }
    }
    return answers
  }
}
