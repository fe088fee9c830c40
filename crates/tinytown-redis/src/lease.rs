//! Lease calls and their answers, as the script has them.

use tinytown_core::id::OpId;
use tinytown_store::{Lease, LeaseCall, LeaseFence, LeaseReply, Record};

use crate::args::Args;
use crate::fault::Fault;
use crate::reply::number;

/// A lease call behind what every changing script is given.
pub(crate) fn args(args: &mut Args, op: &OpId, call: &LeaseCall) {
    args.word(op.as_str());
    match call {
        LeaseCall::Take { holder, seen } => {
            let (epoch, counter) = seen.unwrap_or_default();
            args.word("take").word(holder).word(&seen.is_some()).word(&epoch).word(&counter);
        }
        LeaseCall::Renew(fence) => named(args, "renew", *fence),
        LeaseCall::Release(fence) => named(args, "release", *fence),
    }
}

fn named(args: &mut Args, call: &str, fence: LeaseFence) {
    args.word(call).word(&fence.incarnation).word(&fence.epoch);
}

/// `held INCARNATION EPOCH`, `released`, `refused EPOCH COUNTER =HOLDER` or `refused EPOCH COUNTER -`.
pub(crate) fn reply(text: &str) -> Result<LeaseReply, Fault> {
    let mut words = text.splitn(4, ' ');
    let mut word = || words.next().unwrap_or_default();
    match word() {
        "held" => Ok(LeaseReply::Held(LeaseFence { incarnation: number(word())?, epoch: number(word())? })),
        "released" => Ok(LeaseReply::Released),
        "refused" => {
            let (epoch, counter) = (number(word())?, number(word())?);
            let holder = word().strip_prefix('=').map(|holder| Record(holder.to_owned()));
            Ok(LeaseReply::Refused(Lease { epoch, counter, holder }))
        }
        _ => Err(Fault::Odd(format!("answered {text:?} to a lease call"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_back_whatever_is_in_it() {
        for text in ["", " a b =- ", "{\"v\":1,\"d\":\"x y\"}"] {
            let holder = Some(Record(text.to_owned()));
            let reply = reply(&format!("refused 3 4 ={text}")).expect("a reply");
            assert_eq!(reply, LeaseReply::Refused(Lease { epoch: 3, counter: 4, holder }));
        }
        let free = reply("refused 3 4 -").expect("a reply");
        assert_eq!(free, LeaseReply::Refused(Lease { epoch: 3, counter: 4, holder: None }));
    }
}
