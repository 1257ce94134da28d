//! A name server on loopback that knows a few records.

use simple_dns::rdata::{A, MX, RData, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread;

/// What fits into an answer by UDP.
const SHORT: usize = 512;

/// A record: name, kind (`TXT`, `MX`, `A`) and what it says.
pub type Record = (String, &'static str, String);

pub fn record(name: &str, kind: &'static str, says: &str) -> Record {
    (name.to_owned(), kind, says.to_owned())
}

/// Starts a server that knows these records until the process ends.
pub fn start(records: Vec<Record>) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).unwrap();
    let known = records.clone();
    thread::spawn(move || {
        let mut space = [0; 4096];
        while let Ok((count, from)) = udp.recv_from(&mut space) {
            let mut reply = answer(&space[..count], &known);
            if reply.len() > SHORT {
                let mut cut = Packet::parse(&space[..count]).unwrap().into_reply();
                cut.set_flags(PacketFlag::TRUNCATION);
                reply = cut.build_bytes_vec().unwrap();
            }
            udp.send_to(&reply, from).unwrap();
        }
    });
    thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut head = [0; 2];
            stream.read_exact(&mut head).unwrap();
            let mut query = vec![0; usize::from(u16::from_be_bytes(head))];
            stream.read_exact(&mut query).unwrap();
            let reply = answer(&query, &records);
            stream.write_all(&u16::try_from(reply.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&reply).unwrap();
        }
    });
    address
}

fn answer(query: &[u8], records: &[Record]) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let question = query.questions[0].clone();
    let (name, kind) = (question.qname.to_string(), format!("{:?}", question.qtype));
    let mut reply = query.into_reply();
    let of_name: Vec<&Record> = records.iter().filter(|(known, ..)| known.eq_ignore_ascii_case(&name)).collect();
    if of_name.is_empty() {
        *reply.rcode_mut() = RCODE::NameError;
    }
    for (_, known, says) in of_name.into_iter().filter(|(_, known, _)| kind.contains(&format!("({known})"))) {
        let data = match *known {
            "TXT" => RData::TXT(TXT::try_from(says.as_str()).unwrap()),
            "MX" => RData::MX(MX { preference: 10, exchange: Name::new_unchecked(says) }),
            _ => RData::A(A { address: u32::from_be_bytes([192, 0, 2, 1]) }),
        };
        reply.answers.push(ResourceRecord::new(question.qname.clone(), CLASS::IN, 60, data));
    }
    reply.build_bytes_vec().unwrap()
}
