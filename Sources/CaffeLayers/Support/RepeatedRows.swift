import CaffeCore

/// Which rows of an Embed's top are the same, for a layer above that works on each of them once.
///
/// The rows of a word are a group; groups are numbered in the order in which their words first occur.
final class RepeatedRows {
  /// The group of each row, and the first row of each group, 0 beyond the last group: whole numbers, as a
  /// lookup takes them.
  let groups: Tensor
  let firstRows: Tensor
  /// How many groups there are, which may be more than `capacity`.
  private(set) var count = 0
  /// The most groups that are worth being worked on one by one.
  let capacity: Int
  private var groupOfWord: [Int32]

  /// - Parameter words: how many the Embed knows.
  init(rows: Int, words: Int) {
    capacity = min(words, rows / 2)
    groups = Tensor([rows])
    firstRows = Tensor([capacity])
    groupOfWord = Array(repeating: -1, count: words)
  }

  /// Whether there are so many groups that the rows had better be worked on one by one.
  var isTooMany: Bool { count > capacity }

  /// - Parameter words: the word of each row, checked before.
  func note(_ words: UnsafePointer<Float>) {
    let rows = 0..<groups.count
    let (groups, firstRows) = (groups.overwrite(), firstRows.overwrite())
    count = 0
    for row in rows {
      let word = Int(words[row])
      if groupOfWord[word] < 0 {
        groupOfWord[word] = Int32(count)
        if count < capacity { firstRows[count] = Float(row) }
        count += 1
      }
      groups[row] = Float(groupOfWord[word])
    }
    for unused in stride(from: count, to: capacity, by: 1) { firstRows[unused] = 0 }
    for row in rows { groupOfWord[Int(words[row])] = -1 }
  }
}
