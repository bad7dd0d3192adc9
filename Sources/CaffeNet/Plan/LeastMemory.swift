import CaffeCore
import CaffeErrors
import Foundation

extension NetPlan {
  /// Bytes that a forward pass takes at least: for the parameters' values, and for the values of all
  /// blobs, or of the most that are needed at the same time.
  ///
  /// - Parameters:
  ///   - ending: of `livesEnding`, if blobs take turns with memory; else empty.
  ///   - ownsParameters: whether they are not those of another net.
  package func leastMemory(ending: [[Int]], ownsParameters: Bool) -> Int {
    let most = liveCounts(ending: ending).max() ?? 0
    let learned = ownsParameters ? parameters.reduce(0) { $0 + $1.declaration.shape.count } : 0
    return (most + learned) * MemoryLayout<Float>.size
  }

  /// For each layer, how many values of blobs there are while it runs forward.
  ///
  /// - Parameters:
  ///   - ending: of `livesEnding`, if blobs take turns with memory; else empty.
  ///   - onlyEnding: leaves out those that stay.
  func liveCounts(ending: [[Int]], onlyEnding: Bool = false) -> [Int] {
    let mortal = Set(ending.joined())
    var live = 0
    return layers.enumerated().map { index, layer in
      for top in layer.tops where blobs[top].makers.first == index && !layer.isView {
        if !onlyEnding || mortal.contains(top) { live += blobs[top].shape.count }
      }
      defer {
        if !ending.isEmpty { for blob in ending[index] { live -= blobs[blob].shape.count } }
      }
      return live
    }
  }

  /// - Throws: a net that cannot run in the memory of this machine; the system would grant it the
  ///   memory and kill the process later, without a word.
  func checkMemory(ending: [[Int]], ownsParameters: Bool) throws {
    let needed = leastMemory(ending: ending, ownsParameters: ownsParameters)
    let there = MachineMemory.byteCount
    guard needed <= there else {
      throw CaffeError(
        "the net needs at least \(needed >> 20) MiB of memory, this machine has \(there >> 20) MiB; reduce its batch size"
      )
    }
  }
}

/// The memory of this machine.
private enum MachineMemory {
  /// Bytes of memory and of swap space.
  static let byteCount = Int(clamping: ProcessInfo.processInfo.physicalMemory) + swapSpace

  /// As the system's table of swap files tells; 0 where there is none.
  private static var swapSpace: Int {
    let table = (try? String(contentsOfFile: "/proc/swaps", encoding: .utf8)) ?? ""
    let kibibytes = table.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(whereSeparator: \.isWhitespace)
      return fields.count > 2 ? Int(fields[2]) : nil
    }
    return kibibytes.reduce(0, +) << 10
  }
}
