import CaffeErrors
import FlyingFox
import FlyingSocks
import Foundation

/// Serves a `DashboardSite` to browsers of this machine.
package enum DashboardServer {
  /// Serves on 127.0.0.1 until the process ends.
  ///
  /// - Parameters:
  ///   - port: 0 for any that is free.
  ///   - ready: is told the address once the server listens.
  /// - Throws: a port that cannot be had.
  package static func serve(
    _ site: DashboardSite, port: UInt16, ready: @escaping @Sendable (_ address: String) -> Void
  ) async throws {
    let server = HTTPServer(
      address: try sockaddr_in.inet(ip4: "127.0.0.1", port: port), logger: .disabled,
      handler: Handler(site: site))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await server.run()
        } catch let error as SocketError {
          throw CaffeError("127.0.0.1:\(port) cannot be had: \(error.localizedDescription)")
        }
      }
      group.addTask {
        try await server.waitUntilListening()
        guard case .ip4(_, let port) = await server.listeningAddress else { return }
        ready("http://127.0.0.1:\(port)/")
      }
      while try await group.next() != nil {}
    }
  }

  private struct Handler: HTTPHandler {
    let site: DashboardSite

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
      let answer = await site.answer(
        method: request.method.rawValue, path: request.target.path(),
        host: request.headers[.host])
      var headers: HTTPHeaders = [
        .contentType: answer.type, .cacheControl: "no-store",
        HTTPHeader("X-Content-Type-Options"): "nosniff",
        HTTPHeader("X-Frame-Options"): "DENY",
      ]
      headers[.location] = answer.location
      return HTTPResponse(
        statusCode: HTTPStatusCode(answer.status, phrase: Self.phrases[answer.status] ?? ""),
        headers: headers, body: Data(answer.body.utf8))
    }

    private static let phrases = [
      200: "OK", 302: "Found", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    ]
  }
}
