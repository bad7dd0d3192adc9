import CLibFuzzer
import CaffeData
import CaffeFuzzFormats
import Foundation

/// Fuzzes the reader of one format with libFuzzer; `scripts/fuzz` builds and runs it.
///
///     caffe-fuzz FORMAT [libFuzzer's arguments]    fuzz
///     caffe-fuzz FORMAT --seeds FOLDER             write sound files to begin from
///     caffe-fuzz --formats                         list the formats
@main enum Harness {
  nonisolated(unsafe) private static var format: FileFormat?

  static func main() throws {
    ReaderProcess.begin()
    let arguments = CommandLine.arguments
    if arguments.dropFirst().first == "--formats" {
      return print(FileFormat.all.map(\.name).joined(separator: "\n"))
    }
    guard arguments.count > 1, let format = FileFormat.named(arguments[1]) else {
      FileHandle.standardError.write(Data("usage: caffe-fuzz FORMAT …, or --formats\n".utf8))
      exit(64)
    }
    if arguments.count == 4, arguments[2] == "--seeds" {
      for (number, seed) in try format.seeds().enumerated() {
        try Data(seed).write(to: URL(fileURLWithPath: "\(arguments[3])/seed-\(number)"))
      }
      return
    }
    Self.format = format
    exit(run(arguments.prefix(1) + arguments.dropFirst(2)))
  }

  /// Hands the arguments to libFuzzer, which keeps them as long as the program runs.
  private static func run(_ arguments: ArraySlice<String>) -> Int32 {
    var count = Int32(arguments.count)
    let start = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
      .allocate(capacity: arguments.count + 1)
    for (index, argument) in arguments.enumerated() { start[index] = strdup(argument) }
    start[arguments.count] = nil
    var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = start
    return LLVMFuzzerRunDriver(&count, &list) { bytes, size in
      Harness.test(UnsafeRawBufferPointer(start: bytes, count: size))
      return 0
    }
  }

  /// Stops the program if an input is read otherwise than it should be.
  private static func test(_ bytes: UnsafeRawBufferPointer) {
    if case .mishandled(let what)? = format?.verdict(on: bytes) {
      FileHandle.standardError.write(Data("MISHANDLED: \(what)\n".utf8))
      abort()
    }
  }
}
