import CaffeData
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// A snapshot taken right after resuming from one of BVLC Caffe 1.0 (commit 9b89154) is that snapshot
/// again: what is ours comes besides, where Caffe does not look.
@Suite struct SnapshotLayoutTests {
  static let runs = ["resume-sgd", "resume-adam"]
  private static let goldens = Goldens.own("solver")

  private struct Twins {
    /// Keeps the files there.
    let folder: TemporaryFolder
    let ours: String
    let theirs: String
  }

  /// The snapshot at iteration 8, written by Caffe and by us, as paths without endings.
  private func twins(_ name: String, _ ending: String) throws -> Twins {
    let folder = try TemporaryFolder()
    var parameter = try SolverParameter(
      contentsOfTextFile: "\(Self.goldens)/\(name).solver.prototxt")
    parameter.snapshotPrefix = folder(name)
    let theirs = "\(Self.goldens)/\(name)_iter_8"
    let solver = try Solver(
      parameter, resuming: "\(theirs).solverstate\(ending)", folder: Self.goldens)
    try solver.snapshot()
    return Twins(folder: folder, ours: folder("\(name)_iter_8"), theirs: theirs)
  }

  @Test(arguments: runs)
  func binarySnapshotsHaveCaffesBytes(name: String) throws {
    let twins = try twins("\(name)-binaryproto", "")
    for (ending, path) in [(".caffemodel", nil), (".solverstate", 2)] as [(String, UInt64?)] {
      let ours = try WireField.all(in: twins.ours + ending)
      let theirs = try WireField.all(in: twins.theirs + ending)
      #expect(ours.filter { $0.number > 10_000 }.isEmpty == (path == nil))
      let common = ours.filter { $0.number <= 10_000 }
      #expect(common.map(\.number) == theirs.map(\.number))
      for (our, their) in zip(common, theirs) where our.number != path {
        #expect(our == their, "field \(our.number) of \(ending)")
      }
      if let path {
        let text = common.first { $0.number == path }.map {
          String(decoding: $0.content, as: UTF8.self)
        }
        #expect(text == twins.ours + ".caffemodel")
      }
    }
  }

  @Test(arguments: runs)
  func hdf5SnapshotsHaveCaffesObjects(name: String) throws {
    let twins = try twins("\(name)-hdf5", ".h5")
    for ending in [".caffemodel.h5", ".solverstate.h5"] {
      let (ours, theirs) = (
        try HDF5File(reading: twins.ours + ending), try HDF5File(reading: twins.theirs + ending)
      )
      let extra = ending.hasPrefix(".solver") ? ["caffe_swift"] : []
      #expect(
        try ours.children(of: "").sorted() == (theirs.children(of: "") + extra).sorted())
      for (path, values) in try theirs.allNumbers() {
        let array = try ours.read(path, as: Float.self)
        #expect(array.values == values.values && array.shape == values.shape, "\(path)")
      }
    }
    let state = try HDF5File(reading: twins.ours + ".solverstate.h5")
    #expect(try state.readString("learned_net") == twins.ours + ".caffemodel.h5")
  }
}

/// A field of a protobuf message as its bytes say it.
private struct WireField: Equatable {
  let number: UInt64
  let content: [UInt8]

  static func all(in path: String) throws -> [WireField] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var fields: [WireField] = []
    var rest = bytes[...]
    func varint() throws -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        guard let byte = rest.popFirst() else { throw Mismatch("the message is cut off") }
        value |= UInt64(byte & 127) << shift
        if byte < 128 { break }
      }
      return value
    }
    while !rest.isEmpty {
      let key = try varint()
      let before = rest
      var count = [1: 8, 5: 4][key & 7] ?? 0
      if key & 7 == 0 { _ = try varint() }
      if key & 7 == 2 { count = Int(try varint()) }
      let start = key & 7 == 2 ? rest.startIndex : before.startIndex
      rest = rest.dropFirst(count)
      fields.append(
        WireField(number: key >> 3, content: Array(bytes[start..<rest.startIndex])))
    }
    return fields
  }
}

extension HDF5File {
  /// All numeric datasets of the file.
  fileprivate func allNumbers(in group: String = "") throws -> [(String, HDF5Array<Float>)] {
    try children(of: group).flatMap { child in
      let path = group.isEmpty ? child : "\(group)/\(child)"
      if try isGroup(path) { return try allNumbers(in: path) }
      return path == "learned_net" ? [] : [(path, try read(path, as: Float.self))]
    }
  }
}
