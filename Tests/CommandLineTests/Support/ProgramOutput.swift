import Foundation

extension Process {
  /// Runs a program of the machine to its end.
  ///
  /// - Returns: what it wrote to standard output; what it complained of is dropped.
  static func output(of program: URL, _ arguments: [String]) throws -> Data {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data
  }
}
